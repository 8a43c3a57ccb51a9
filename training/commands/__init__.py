"""The commands of `python -m training`: each module has `add_arguments(parser)` and `run(arguments)`."""
