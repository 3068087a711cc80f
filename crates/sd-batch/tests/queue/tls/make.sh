#!/bin/sh
# Makes an authority, and certificates of a server at 127.0.0.1 and of a client, for a hundred years.
set -e
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
  -keyout authority.key -out authority.pem -subj "/CN=an authority of tests"
for name in server client; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $name.key -out $name.csr -subj "/CN=$name"
  printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' > $name.ext
  openssl x509 -req -in $name.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 36500 \
    -extfile $name.ext -out $name.pem
done
rm -f ./*.csr ./*.ext ./*.srl authority.key
