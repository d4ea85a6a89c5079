#!/bin/bash
grep " $LEVEL " service.log | cut -d ' ' -f 3- > "$TARGET"
