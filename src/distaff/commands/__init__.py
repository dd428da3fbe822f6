"""The commands, a file a word: what each needs is imported inside it, so that help is instant."""
