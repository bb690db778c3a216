/* Every command, in the order of the help. One line each; see cmd.h. */
CLI_COMMAND(ops)
CLI_COMMAND(stats)
CLI_COMMAND(preprocess)
CLI_COMMAND(bench)
CLI_COMMAND(version)
CLI_COMMAND(manual)
