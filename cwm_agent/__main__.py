"""`python -m cwm_agent`."""

from cwm_agent.cli.main import main

if __name__ == "__main__":
    main()
