{{/* All that the operator may do in a namespace it watches, in one place. */}}
{{- define "kiln.rules" -}}
# The resources themselves are only read: what happens to them is written to their status.
- apiGroups: [kiln.build]
  resources: [imagebuilds]
  verbs: [get, list, watch]
- apiGroups: [kiln.build]
  resources: [imagebuilds/status]
  verbs: [get, patch]
# A run is a Job. It is patched once, for its time to live, after its result was recorded.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Pods are made by Jobs. Create is for a server-side dry run only, which tells whether the namespace admits a pod of an
# isolation tier; the API has no permission for a dry run alone.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete]
# A finished run's report.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# A run's work order, and whether a build's ConfigMap is there.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, delete]
# Whether the Secrets that a build names are there. Never listed nor watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# Events on the resource, and those of Jobs and pods that say why a pod was refused.
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}
