package telemetry

import "go.opentelemetry.io/otel/attribute"

// The keys of what stands on every span of a product.
const (
	keyNamespace      = attribute.Key("spanloom.namespace")
	keyProductName    = attribute.Key("spanloom.product.name")
	keyProductVersion = attribute.Key("spanloom.product.version")
	keyMode           = attribute.Key("spanloom.mode")
)

// Product says which product's runs they are. Empty fields are left out.
type Product struct {
	Namespace string // spanloom.namespace
	Name      string // spanloom.product.name
	Version   string // spanloom.product.version
	Mode      string // spanloom.mode: dev, staging or prod
}

// ProductOf returns what of the attributes of a service stands on every span too:
// those that a [Product] has.
func ProductOf(service map[string]string) []attribute.KeyValue {
	return Product{
		Namespace: service[string(keyNamespace)], Name: service[string(keyProductName)],
		Version: service[string(keyProductVersion)], Mode: service[string(keyMode)],
	}.Attributes()
}

// Attributes returns what stands on every span of the product: give it to
// [Exporters], or to the processor of an application's own spans.
func (p Product) Attributes() []attribute.KeyValue {
	var list []attribute.KeyValue
	for _, kv := range [...]attribute.KeyValue{
		keyNamespace.String(valid(p.Namespace)), keyProductName.String(valid(p.Name)),
		keyProductVersion.String(valid(p.Version)), keyMode.String(valid(p.Mode)),
	} {
		if kv.Value.AsString() != "" {
			list = append(list, kv)
		}
	}
	return list
}
