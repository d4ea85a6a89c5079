#!/bin/bash
mkdir -p /out
cd /notes && tar -czf /out/notes.tar.gz *.txt && ls *.txt | wc -l > /out/count
