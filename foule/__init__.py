"""The command line of foule and what only it uses: embedded servers, checks, the demo."""
