package lumentree

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// NoJekyll is the empty file by which GitHub Pages serves a tree as it is.
const NoJekyll = ".nojekyll"

// NGINX is the configuration of a server block that serves an exported folder. Hidden files are the export's own.
func NGINX(dir string) ([]byte, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(root, "$\"\\\n") {
		return nil, fault.New(fault.Invalid, "nginx can't be told of the folder %q; give it a name without $, quotes and backslashes", root)
	}
	return fmt.Appendf(nil, nginx, `"`+root+`"`), nil
}

const nginx = `# Serves a Lumen registry. Include this file in the http block, and set the name and the certificate.
server {
    listen 80;
    server_name registry.example.com;
    root %s;
    merge_slashes on; # the client asks for //index.json if its URL ends with /
    gzip off;         # it does not unpack compressed answers

    location ~ /\. {
        return 404;
    }
    location / {
        try_files $uri =404;
        default_type application/json;
        add_header Access-Control-Allow-Origin *;
        add_header Cache-Control "no-cache"; # a yank must not wait for a cache
    }
    location /artifacts/ {
        try_files $uri $uri.tar =404;
        types { application/gzip tgz; }
        default_type application/x-tar;
        add_header Access-Control-Allow-Origin *;
        add_header Cache-Control "public, max-age=31536000, immutable";
    }
}
`

// CORS is the configuration of a bucket by which pages of any site may read it, for: aws s3api put-bucket-cors.
const CORS = `{
  "CORSRules": [{
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET", "HEAD"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600
  }]
}
`
