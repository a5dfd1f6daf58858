package infra

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/clients"
)

func manifests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "/infrastructure/kubernetes/*/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("the manifests are %q, %v", files, err)
	}
	for i := range files {
		files[i], _ = filepath.Rel(root, files[i])
	}
	return files
}

func TestKubernetesSchema(t *testing.T) {
	lint(t, clients.KubernetesValidate, append([]string{"--strict", "--kubernetes-version", "1.34", "--quiet", "infrastructure/kubernetes/secret.example.yaml"}, manifests(t)...)...)
}

type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	Spec     struct {
		Replicas    int
		ServiceName string `yaml:"serviceName"`
		Template    struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
		Selector map[string]any
	}
}

type pod struct {
	Automount       *bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		RunAsNonRoot bool  `yaml:"runAsNonRoot"`
		RunAsUser    int64 `yaml:"runAsUser"`
		FSGroup      int64 `yaml:"fsGroup"`
	} `yaml:"securityContext"`
	Containers []struct {
		Ports           []struct{ ContainerPort int }
		ReadinessProbe  probe `yaml:"readinessProbe"`
		LivenessProbe   probe `yaml:"livenessProbe"`
		SecurityContext struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
}

type probe struct {
	HTTPGet struct{ Path string } `yaml:"httpGet"`
}

func objects(t *testing.T, file string) (all []object) {
	t.Helper()
	for dec := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file)))); ; {
		var o object
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, o)
	}
}

// Pods run as the image does: its user, its folder, a root that can't be written.
func TestKubernetesPods(t *testing.T) {
	seen := 0
	for _, file := range manifests(t) {
		for _, o := range objects(t, file) {
			if o.Metadata.Namespace != "registry" {
				t.Errorf("%s: %s %s is in the namespace %q", file, o.Kind, o.Metadata.Name, o.Metadata.Namespace)
			}
			if o.Kind != "Deployment" && o.Kind != "StatefulSet" {
				continue
			}
			seen++
			if p := o.Spec.Template.Spec; p.Automount == nil || *p.Automount || !p.SecurityContext.RunAsNonRoot || p.SecurityContext.RunAsUser != 65532 || p.SecurityContext.FSGroup != 65532 {
				t.Errorf("%s: the pod is %+v", file, p)
			}
			c := o.Spec.Template.Spec.Containers[0]
			if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
				t.Errorf("%s: the container may %+v", file, s)
			}
			if c.ReadinessProbe.HTTPGet.Path != "/ready" || c.LivenessProbe.HTTPGet.Path != "/health" || c.VolumeMounts[0].MountPath != "/var/lib/registry" {
				t.Errorf("%s: the container is %+v", file, c)
			}
			if many := o.Spec.Replicas > 1; many != (o.Kind == "Deployment") {
				t.Errorf("%s: %d servers of a %s", file, o.Spec.Replicas, o.Kind)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d sets of pods, want a Deployment and a StatefulSet", seen)
	}
}

// What the pods are configured with is what the server takes, and has all of the stack that it is written for.
func TestKubernetesEnvironment(t *testing.T) {
	var template struct {
		Outputs map[string]struct {
			Value any `yaml:"Value"`
		} `yaml:"Outputs"`
	}
	decode(t, templateFile, &template)
	text, _ := template.Outputs["Environment"].Value.(string)
	stack := envFile(text)
	if len(stack) == 0 {
		t.Error("the stack has no output Environment")
	}
	for _, file := range manifests(t) {
		for _, o := range objects(t, file) {
			if o.Kind == "ConfigMap" {
				wantOptions(t, file, o.Data)
				for name := range stack {
					if _, ok := o.Data[name]; !ok && o.Data["S3_BUCKET"] != "" {
						t.Errorf("%s lacks %s, which the stack gives", file, name)
					}
				}
			}
		}
	}
}
