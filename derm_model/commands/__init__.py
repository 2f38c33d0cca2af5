"""One module per subcommand of `python -m derm_model`, each with `add_parser(subparsers)` and `run(args) -> int`."""
