{{- define "kiln.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "kiln.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "kiln.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kiln.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kiln.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kiln.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "kiln.labels" -}}
{{ include "kiln.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: kiln
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "kiln.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kiln.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* An image by digest if there is one, else by tag, else by the chart's version. Takes the image's values and the root. */}}
{{- define "kiln.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- /* YAML takes a tag such as 20261125 for a number. */}}
{{- $tag := kindIs "string" .image.tag | ternary .image.tag (.image.tag | int64 | toString) }}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion $tag) }}
{{- end }}
{{- end }}

{{/* The name of cluster-scoped objects, which two releases of the same name must not share: kiln in the namespace kiln,
else the namespace goes before it. */}}
{{- define "kiln.clusterName" -}}
{{- $name := include "kiln.fullname" . }}
{{- eq $name .Release.Namespace | ternary $name (printf "%s-%s" .Release.Namespace $name) }}
{{- end }}

{{/* Whether ImagePrunePolicies are carried out: true or false. */}}
{{- define "kiln.prunes" -}}
{{- $wanted := .Values.prune.enabled | toString }}
{{- eq $wanted "auto" | ternary (empty .Values.watchNamespaces) (eq $wanted "true") }}
{{- end }}

{{- define "kiln.nodesAccount" -}}
{{- printf "%s-nodes" (include "kiln.fullname" .) }}
{{- end }}

{{- define "kiln.pruneAccount" -}}
{{- printf "%s-prune" (include "kiln.fullname" .) }}
{{- end }}
