from flowgif.cli import main

main()
