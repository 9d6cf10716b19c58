"""``python -m ndstream`` is the ``ndstream`` command."""

from ndstream._cli.main import main

if __name__ == "__main__":
    main()
