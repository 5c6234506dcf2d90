#!/bin/sh
# Secrets come from files: IOC__SECTION__KEY_FILE=/run/secrets/x becomes IOC__SECTION__KEY. Then `ioc` runs.
set -eu
for variable in $(env | sed -n 's/^\(IOC__[A-Z_]*\)_FILE=.*/\1/p'); do
    file=$(printenv "${variable}_FILE")
    if [ ! -r "$file" ]; then
        echo "ioc: ${variable}_FILE: '$file' cannot be read; expected a secret file" >&2
        exit 2
    fi
    export "$variable=$(cat "$file")"
    unset "${variable}_FILE"
done
exec ioc "$@"
