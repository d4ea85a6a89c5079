#!/bin/bash
tr 'A-Z' 'a-z' < /app/text.txt | tr -s ' ' '\n' | sort | uniq -c | sort -rn |
    head -n 3 | awk '{print $2}' > /app/top.txt
