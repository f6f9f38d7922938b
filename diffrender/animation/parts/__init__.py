"""Parts that several scenes share, made of mobjects."""
