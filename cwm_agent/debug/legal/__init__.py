"""Which step may follow which, known from bytecode and syntax tree."""
