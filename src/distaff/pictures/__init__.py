"""What a model looks like: its reconstructions and samples, what each latent moves, and which factor it carries."""
