#!/bin/sh
# Run once by the postgres image, on an empty data folder: one role for Trunkline and one for
# Temporal, so that neither reads the other's tables.
set -eu

psql --set=ON_ERROR_STOP=1 \
    --set=trunkline_password="$TRUNKLINE_DB_PASSWORD" \
    --set=temporal_password="$TEMPORAL_DB_PASSWORD" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE trunkline LOGIN PASSWORD :'trunkline_password';
CREATE DATABASE trunkline OWNER trunkline;
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
SQL
