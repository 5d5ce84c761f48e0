{{/* settings.yaml, as the operator reads it: the fields of build.kiln.operator.settings.Settings, which refuses others. */}}
{{- define "kiln.settings" -}}
builderImage: {{ include "kiln.image" (dict "image" .Values.builder.image "root" .) }}
builderImagePullPolicy: {{ .Values.builder.image.pullPolicy }}
{{- with .Values.builder.imagePullSecrets }}
builderImagePullSecrets:
  {{- range . }}
  - {{ .name }}
  {{- end }}
{{- end }}
watchNamespaces: {{ toJson .Values.watchNamespaces }}
{{- with .Values.registries }}
mirrors: {{ toJson .mirrors }}
insecureRegistries: {{ toJson .insecure }}
allowedBases: {{ toJson .allowedBases }}
allowedOutputs: {{ toJson .allowedOutputs }}
{{- end }}
{{- if .Values.caBundle.configMap }}
caDirectory: /etc/kiln-ca
{{- end }}
{{- with .Values.proxy }}
{{- if or .http .https .noProxy }}
proxies:
  {{- with .http }}
  HTTP_PROXY: {{ . | quote }}
  {{- end }}
  {{- with .https }}
  HTTPS_PROXY: {{ . | quote }}
  {{- end }}
  {{- with .noProxy }}
  NO_PROXY: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
allowChroot: {{ .Values.isolation.allowChroot }}
maxConcurrentBuilds: {{ .Values.concurrency.cluster }}
maxConcurrentBuildsPerNamespace: {{ .Values.concurrency.namespace }}
maxConcurrentMirrors: {{ .Values.concurrency.mirrors.cluster }}
maxConcurrentMirrorsPerNamespace: {{ .Values.concurrency.mirrors.namespace }}
defaults:
  {{- with .Values.builder.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.builder.workspaceSize }}
  workspaceSize: {{ . | quote }}
  {{- end }}
  nodeSelector: {{ toJson .Values.builder.nodeSelector }}
  tolerations: {{ toJson .Values.builder.tolerations }}
{{- with .Values.timing }}
podStartGrace: {{ .podStartGrace }}
missingPoll: {{ .missingPoll }}
progressInterval: {{ .progressInterval }}
retry:
  {{- toYaml .retry | nindent 2 }}
{{- end }}
leaderElection:
  enabled: true
  leaseName: {{ include "kiln.fullname" . }}
{{- if eq (include "kiln.prunes" .) "true" }}
prune:
  namespace: {{ .Release.Namespace }}
  serviceAccount: {{ include "kiln.pruneAccount" . }}
{{- end }}
{{- if .Values.nodes.enabled }}
nodes:
  namespace: {{ .Values.nodes.namespace }}
  serviceAccount: {{ include "kiln.nodesAccount" . }}
  socket: {{ .Values.nodes.socket | quote }}
  concurrency: {{ .Values.nodes.concurrency }}
  resources:
    {{- toYaml .Values.nodes.resources | nindent 4 }}
{{- end }}
httpPort: 8080
{{- end }}
