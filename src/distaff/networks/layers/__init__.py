"""What networks are made of beside PyTorch's layers."""
