"""`python -m distaff` is `distaff`."""

from distaff.cli import main

if __name__ == "__main__":
    main()
