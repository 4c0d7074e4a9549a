package semconvtest

// Group is one signal, or a list of attributes that are defined.
type Group struct {
	ID        string `yaml:"id"`
	Type      string `yaml:"type"` // attribute_group, span, metric, event or entity
	Stability string `yaml:"stability"`
	Brief     string `yaml:"brief"`

	Name       string `yaml:"name,omitempty"` // of an event or an entity
	SpanKind   string `yaml:"span_kind,omitempty"`
	MetricName string `yaml:"metric_name,omitempty"`
	Instrument string `yaml:"instrument,omitempty"` // histogram, counter, updowncounter or gauge
	Unit       string `yaml:"unit,omitempty"`

	Events      []string    `yaml:"events,omitempty"` // names of span events
	Annotations Annotations `yaml:"annotations,omitempty"`
	Attributes  []Attribute `yaml:"attributes,omitempty"`
}

// Annotations are what Weaver's groups have no key for.
type Annotations struct {
	SpanName string   `yaml:"span_name,omitempty"`
	Message  string   `yaml:"message,omitempty"`  // of a log record
	Severity []string `yaml:"severity,omitempty"` // of a log record
}

// Attribute defines an attribute, by ID, or refers to one, by Ref.
type Attribute struct {
	ID        string `yaml:"id,omitempty"`
	Ref       string `yaml:"ref,omitempty"`
	Type      string `yaml:"type,omitempty"` // string, int, double or boolean
	Stability string `yaml:"stability,omitempty"`
	Brief     string `yaml:"brief,omitempty"`
}

// Development is the stability of every name until version 1.
const Development = "development"

// Define returns the definition of an attribute.
func Define(id, typ, brief string) Attribute {
	return Attribute{ID: id, Type: typ, Stability: Development, Brief: brief}
}

// Refer returns a reference to an attribute that is defined elsewhere: in another
// file of the registry, or by OpenTelemetry.
func Refer(id string) Attribute { return Attribute{Ref: id} }

// Registry returns the group that defines attributes.
func Registry(id, brief string, attributes ...Attribute) Group {
	return Group{ID: "registry.spanloom." + id, Type: "attribute_group", Stability: Development, Brief: brief, Attributes: attributes}
}
