#!/bin/sh
# Adds up the prices on its stdin, one a line.
total=0
while read -r price; do total=$((total + price)); done
echo "$total"
