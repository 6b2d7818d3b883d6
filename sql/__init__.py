"""The database's shape and words: migrations, named queries, and what loads and runs them."""
