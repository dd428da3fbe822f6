"""What a model looks like: what it rebuilds and dreams of, what each latent moves, and which factor it carries."""
