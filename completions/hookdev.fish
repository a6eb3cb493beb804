complete --keep-order --exclusive --command hookdev --arguments "(COMPLETE=fish hookdev -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
