#!/bin/bash
sum=0
while read -r number; do
    sum=$((sum + number))
done < "$1"
echo "$sum"
