#!/bin/sh
# Makes the secrets that docker/compose.yaml mounts, once; what is there stays. They are read by the
# containers' user (10001), which on this machine is nobody else: the folder is closed to others.
#   setup/make-secrets.sh [FOLDER]     (docker/secrets by default)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-docker/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
for name in postgres_password spark_secret; do
  [ -s "$folder/$name" ] && continue
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name.part"
  # Compose mounts a file with its owner and mode; the folder above keeps other users out.
  chmod 444 "$folder/$name.part"
  mv "$folder/$name.part" "$folder/$name"
  echo "onesource set-up: made $folder/$name" >&2
done
