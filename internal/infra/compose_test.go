package infra

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/clients/s3server"
)

// composeFile is what the tests need of compose.yaml.
type composeFile struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Entrypoint  []string
		Profiles    []string
		Volumes     []string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		Ports       []string
		DependsOn   map[string]struct {
			Condition string
			Required  bool
		} `yaml:"depends_on"`
		Healthcheck struct{ Test []string }
	}
	Volumes map[string]any
}

// variable is one of Compose: ${NAME}, ${NAME:-default} or ${NAME:?what to do}.
var variable = regexp.MustCompile(`\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}`)

// fill replaces variables as Compose does, and returns the names of those that have to be set.
func fill(text string, env map[string]string) (filled string, missing []string) {
	filled = variable.ReplaceAllStringFunc(text, func(v string) string {
		m := variable.FindStringSubmatch(v)
		switch value := env[m[1]]; {
		case value != "":
			return value
		case m[2] == "-":
			return m[3]
		default:
			missing = append(missing, m[1])
			return ""
		}
	})
	return filled, missing
}

// envFile reads NAME=value lines.
func envFile(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			env[name] = value
		}
	}
	return env
}

// serverEnv is the environment of the server of the Compose file, with the variables of an environment.
func serverEnv(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	var file composeFile
	decode(t, "compose.yaml", &file)
	out := map[string]string{}
	for name, text := range file.Services["registry"].Environment {
		value, missing := fill(text, env)
		if len(missing) > 0 {
			t.Fatalf("%s of the Compose file needs %q", name, missing)
		}
		out[name] = value
	}
	return out
}

// startAs starts the server with the environment of its container, at a free port and in a folder of the test.
func startAs(t *testing.T, env map[string]string) *running {
	t.Helper()
	cmd := exec.Command(program(t), "--port", "0", "--data", t.TempDir(), "--npm-fallback=false")
	cmd.Env = cleanEnv("AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	for name, value := range env {
		if name != "BASE_URL" { // its port is another
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return run(t, cmd)
}

func TestComposeSchema(t *testing.T) {
	lint(t, clients.CheckJSONSchema, "--builtin-schema", "vendor.compose-spec", "compose.yaml")
}

// Every container is shut in as well as it can be, says when it is well, and its volumes are there.
func TestComposeIsHardened(t *testing.T) {
	var file composeFile
	decode(t, "compose.yaml", &file)
	var volumes []string
	for name, s := range file.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only %t, cap_drop %q, security_opt %q", name, s.ReadOnly, s.CapDrop, s.SecurityOpt)
		}
		if name != "registry" && (len(s.Healthcheck.Test) == 0 || !slices.Equal(s.Profiles, []string{"s3"}) || len(s.Ports) > 0) {
			t.Errorf("%s: health check %q, profiles %q, ports %q", name, s.Healthcheck.Test, s.Profiles, s.Ports)
		}
		for _, v := range s.Volumes {
			text, _ := fill(v, map[string]string{})
			volume, _, _ := strings.Cut(text, ":")
			volumes = append(volumes, volume)
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); name != "registry" && (tag == "" || tag == "latest") {
			t.Errorf("%s has the image %q; pin it", name, s.Image)
		}
	}
	volumes = append(volumes, envFile(read(t, "infrastructure/compose.s3.env"))["DATA_VOLUME"])
	slices.Sort(volumes)
	if declared := slices.Sorted(maps.Keys(file.Volumes)); !slices.Equal(volumes, declared) {
		t.Errorf("the services use the volumes %q, declared are %q", volumes, declared)
	}
	server := file.Services["registry"]
	for _, store := range []string{"s3", "dynamodb"} {
		if d := server.DependsOn[store]; d.Condition != "service_healthy" || d.Required {
			t.Errorf("the server depends on %s: %+v", store, d)
		}
	}
	for _, p := range server.Ports {
		if text, _ := fill(p, nil); !strings.HasPrefix(text, "127.0.0.1:") {
			t.Errorf("the server's port %q is open to others than this machine", text)
		}
	}
}

// Secrets have no defaults: without .env nothing starts.
func TestComposeNeedsSecrets(t *testing.T) {
	_, missing := fill(read(t, "compose.yaml"), envFile(read(t, "infrastructure/compose.s3.env")))
	slices.Sort(missing)
	if want := []string{"REGISTRY_TOKEN", "S3_SECRET"}; !slices.Equal(slices.Compact(missing), want) {
		t.Errorf("these variables have to be set: %q, want %q", missing, want)
	}
}

// By itself the server of the Compose file keeps everything in its volume.
func TestComposeEmbedded(t *testing.T) {
	env := serverEnv(t, map[string]string{"REGISTRY_TOKEN": token, "S3_SECRET": "unused"})
	r := startAs(t, env)
	r.roundTrip()
}

// With the stores' environment it keeps everything in them. Their addresses are those of the test's, which speak for the
// containers of the same programs, or, for DynamoDB, the same protocol.
func TestComposeOnStores(t *testing.T) {
	s3, dynamo := s3server.Start(t), dynamoserver.Start(t)
	vars := envFile(read(t, "infrastructure/compose.s3.env"))
	var file composeFile
	decode(t, "compose.yaml", &file)
	for address, service := range map[string]string{vars["S3_ENDPOINT"]: "s3", vars["DYNAMODB_ENDPOINT"]: "dynamodb"} {
		host := strings.TrimPrefix(address, "http://"+service+":")
		if host == address || !strings.Contains(strings.Join(file.Services[service].Healthcheck.Test, " "), ":"+host) {
			t.Errorf("the address %s is not that of the service %s", address, service)
		}
	}
	if made := "mkdir -p /data/" + vars["S3_BUCKET"] + " "; !strings.Contains(strings.Join(file.Services["s3"].Entrypoint, " "), made) {
		t.Errorf("nobody makes the bucket %s", vars["S3_BUCKET"])
	}
	maps.Copy(vars, map[string]string{"REGISTRY_TOKEN": token, "S3_SECRET": "test-secret", "S3_ENDPOINT": s3.URL, "DYNAMODB_ENDPOINT": dynamo.URL})
	env := serverEnv(t, vars)
	env["AWS_ACCESS_KEY_ID"] = "test" // the account of the test's S3
	r := startAs(t, env)
	r.roundTrip()
	again := startAs(t, env) // with an empty volume: all is in the stores
	if doc := again.get("/@acme/deployed"); !strings.Contains(doc, "1.2.3") {
		t.Errorf("a second server has %s", doc)
	}
}
