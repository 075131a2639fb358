"""Commands of ``sisr``, by what a person does."""
