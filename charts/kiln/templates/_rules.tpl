{{/* All that the operator may do in a namespace it watches, in one place. */}}
{{- define "kiln.rules" -}}
# The resources themselves are only read; what happens to them is written to their status.
- apiGroups: [kiln.build]
  resources: [imagebuilds, imagemirrors]
  verbs: [get, list, watch]
- apiGroups: [kiln.build]
  resources: [imagebuilds/status, imagemirrors/status]
  verbs: [update]
# What a Job's owner reference wants where the cluster enforces it (OwnerReferencesPermissionEnforcement).
- apiGroups: [kiln.build]
  resources: [imagebuilds/finalizers, imagemirrors/finalizers]
  verbs: [update]
# An attempt of a run is a Job. It is patched once, with its time to live, after its result was recorded.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Pods are made by Jobs and go with them. Create is for a server-side dry run only, which tells whether the namespace admits
# the pod of an isolation tier: the API knows no permission for a dry run alone.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create]
# Progress, and a finished run's report.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# A run's work order, which is patched once to be owned by its Job; and whether the ConfigMap of a build is there.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch, delete]
# Whether the Secrets that a build or a mirror names are there, and whether they are others than a failed run had. Never listed nor watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# Events on ImageBuilds and ImageMirrors are made; those of Jobs and pods are read, to say why a pod does not start.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
{{- end }}
