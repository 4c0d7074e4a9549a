// Package manifest reads spanloom.yaml, the file that says which telemetry
// backends a program uses and how they are set, into a checked struct. It
// starts nothing and opens only the file it is told to.
//
// # The file
//
//	version: "1"                  # required
//	telemetry:
//	  enabled: true               # default true
//	  service: { name: billing, version: "1.4.0", namespace: shop, mode: prod }
//	  attributes: { team.name: payments }
//	  backends:
//	    - plugin: otlp            # a name; or else a command
//	      name: main              # default: plugin, or the command's base name
//	      config:                 # the backend's own
//	        endpoint: ${env:COLLECTOR:-http://localhost:4317}
//	    - command: [./bin/mine]   # absolute, or ./ or ../ from the manifest
//	  sampling: { keep: [failed, slow] }
//	  shutdown_timeout: 3s        # default 3s
//	plugins:
//	  dirs: [./.spanloom/backends]
//	  lock: spanloom.lock         # which bytes of them may run
//
// [Schema] is its JSON schema: it has all keys with their descriptions and
// defaults, and is what Parse checks with and fills in from. [Find] says which
// file is used. The page docs/manifest.md explains every key.
//
// # Modes
//
// In a mode (dev, staging or prod) [Load] lays a second file over the first, if
// it is there: over spanloom.yaml, spanloom.prod.yaml in mode prod. Mappings
// merge, backends merge by name, other lists and values replace what was there,
// and null takes a key away; a backend that loses its plugin or command goes as
// a whole. What was replaced is not looked at, so its references need not
// resolve. An error has the file that its place is in.
//
// # Precedence
//
// The first that says something counts:
//
//  1. OTEL_SDK_DISABLED=true, which switches telemetry off;
//  2. a flag or argument of the program: [Options].Mode, the path given to Find;
//  3. SPANLOOM_MANIFEST, SPANLOOM_MODE, SPANLOOM_LOG_LEVEL, SPANLOOM_LOG_FORMAT;
//     SPANLOOM_TELEMETRY_CONSOLE=true adds the console backend;
//  4. the file for the mode, then the manifest;
//  5. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, and OTEL_TRACES_SAMPLER with
//     OTEL_TRACES_SAMPLER_ARG;
//  6. the default.
//
// A variable that is empty is not set. A wrong value is an error in those of
// Spanloom, and in those of OpenTelemetry a warning, as its specification says.
// Of the samplers parentbased_always_on, parentbased_always_off and
// parentbased_traceidratio are used: the others would not follow the decision
// that a trace brings. [Manifest.Settings] tells where each value is from.
//
// # Versions
//
// The major of version must be the one this package reads. A newer minor is a
// warning in [Manifest.Warnings]; keys this package does not know are errors
// under every version.
//
// # References
//
// References work in scalar values, never in keys, and after parsing: no value
// can change the structure of the file.
//
//   - ${env:NAME} is the variable, which must be set; set to nothing is set.
//   - ${env:NAME:-default} is the variable, or the default when the variable is
//     unset or empty, as in a POSIX shell. The default is plain text up to the
//     next brace.
//   - $$ is a dollar sign. A dollar sign before anything but $ or { is itself.
//
// A value without quotes takes its type from what it became, so ${env:ON} can
// be true or false; quote it to keep a string of digits a string. Inside [] and
// {} a reference must be quoted, because YAML reads its braces otherwise.
//
// # Errors
//
// All faults of a file come at once, as [Errors], each with its place and often
// a hint:
//
//	spanloom.yaml:5:15: telemetry.backends[0].plugin: no backend "jeager"; did you mean "jaeger"? available: console, jaeger, otlp
//
// A value that came from the environment is in no error text; the reference
// stands in its place.
//
// # Hostile files
//
// A file is at most 1 MiB, 20,000 lines and list items, and 64 levels deep.
// Anchors, aliases, merge keys, tags other than the core ones, duplicate keys
// and more than one document are refused. A program is never looked up on PATH,
// and the name of a plugin cannot hold a path.
//
// # Stability
//
// Stable from v1 on: keys and exported names are added, never removed or given
// another meaning within a major version. The sentences of error texts may be
// made clearer in a minor version; their form and places are kept.
package manifest
