from laer.cli import main

main()
