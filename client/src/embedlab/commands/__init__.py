"""The commands of `embedlab`, a module for each family."""
