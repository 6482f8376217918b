#!/usr/bin/env bash
# Writes what is live to Cloudflare Workers KV. The bulk API takes the list that `wrangler kv bulk
# put` takes, and needs curl alone.
set -euo pipefail

sluice export --cloudflare-kv >kv.json
curl --fail --silent --show-error --max-time 60 --request PUT \
	--header "Authorization: Bearer $CLOUDFLARE_API_TOKEN" \
	--header "Content-Type: application/json" \
	--data-binary @kv.json --output /dev/null \
	"https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID/storage/kv/namespaces/$KV_NAMESPACE_ID/bulk"
