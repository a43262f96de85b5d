#!/bin/sh
# A program for each connection, a shell script. After npm run build:
#
#   node dist/cli/main.js --program 'sh examples/program/greet.sh' --slots 8
#
# and from another terminal, in bash:
#
#   exec 3<> /dev/tcp/127.0.0.1/8000; echo Ada >&3; cat <&3
#
# What it reads is what the client sends, what it writes is what the client gets; standard error goes to the log.

echo "Who is it that calls from $TCPREMOTEIP?"
read -r name || exit 1
echo "greeting $name" >&2
echo "Hello $name, this is process $$."
