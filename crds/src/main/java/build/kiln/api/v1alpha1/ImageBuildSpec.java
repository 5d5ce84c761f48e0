package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Toleration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What to build, how, and where the image goes. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ImageBuildSpec(
    @JsonPropertyDescription(
            "Where the build context comes from: exactly one of its fields. May be left out when dockerfile.inline is given; the context is then empty.")
        @Nullable Source source,
    @JsonPropertyDescription(
            "The Dockerfile: a path in the source (default \"Dockerfile\") or its text.")
        @Nullable DockerfileRef dockerfile,
    @JsonPropertyDescription("The stage to build, by name or number. Default: the last one.")
        @Nullable String target,
    @JsonPropertyDescription("Values for the Dockerfile's ARG instructions.")
        @Nullable List<BuildArg> buildArgs,
    @JsonPropertyDescription(
            "Secrets of type kubernetes.io/dockerconfigjson in this namespace, for private base images.")
        @Nullable List<SecretName> registrySecrets,
    @Required @JsonPropertyDescription("Where the image is pushed to, and how.") Output output,
    @JsonPropertyDescription("The least isolation of RUN steps that is acceptable. Default: Auto.")
        @Nullable Isolation isolation,
    @JsonPropertyDescription("The builder pod's scratch space.") @Nullable Workspace workspace,
    @JsonPropertyDescription(
            "How long a run may take over all its attempts, such as \"1h\" or \"90m\".")
        @Nullable String timeout,
    @JsonPropertyDescription(
            "How often a run is tried again after an infrastructure failure. Default: 3.")
        @Nullable Integer retries,
    @JsonPropertyDescription("Which finished runs are kept.") @Nullable History history,
    @JsonPropertyDescription("No new run is started while true; one that is under way goes on.")
        @Nullable Boolean suspend,
    @JsonPropertyDescription("What the builder pod needs of the cluster.")
        @Nullable PodTemplate podTemplate) {

  /** Exactly one field is set. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Source(
      @JsonPropertyDescription("A Git repository.") @Nullable GitSource git,
      @JsonPropertyDescription("A ConfigMap in this namespace.")
          @Nullable ConfigMapSource configMap,
      @JsonPropertyDescription("Files written here, together at most 256 KiB.")
          @Nullable List<InlineFile> inline) {}

  /** A Git repository at a revision. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record GitSource(
      @Required
          @JsonPropertyDescription("https://, http://, ssh:// or git:// URL, or user@host:path.")
          String url,
      @JsonPropertyDescription(
              "A branch, a tag, a full ref or a commit. Default: the repository's HEAD.")
          @Nullable String revision,
      @JsonPropertyDescription(
              "A Secret with username and password, or ssh-privatekey and known_hosts.")
          @Nullable SecretName secretRef,
      @JsonPropertyDescription(
              "The folder of the repository that is the build context. Default: its root.")
          @Nullable String subPath) {}

  /** A ConfigMap whose keys are files of the context. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ConfigMapSource(
      @Required @JsonPropertyDescription("The ConfigMap's name.") String name,
      @JsonPropertyDescription(
              "Which keys become which files. Default: every key, as a file of its name.")
          @Nullable List<Item> items) {

    /** One key as one file. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Item(
        @Required @JsonPropertyDescription("The key.") String key,
        @Required @JsonPropertyDescription("The file's path in the context.") String path,
        @JsonPropertyDescription(
                "The file's permission bits, in decimal as in a volume, or 0644 in YAML. Default: 0644.")
            @Nullable Integer mode) {}
  }

  /** A file of the context, written in the manifest. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record InlineFile(
      @Required @JsonPropertyDescription("The file's path in the context.") String path,
      @Required @JsonPropertyDescription("The file's text.") String content,
      @JsonPropertyDescription("The file's permission bits. Default: 0644.")
          @Nullable Integer mode) {}

  /** Where the Dockerfile is. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record DockerfileRef(
      @JsonPropertyDescription("Its path in the source.") @Nullable String path,
      @JsonPropertyDescription("Its text.") @Nullable String inline) {}

  /** A value for an ARG. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record BuildArg(
      @Required @JsonPropertyDescription("The ARG's name.") String name,
      @JsonPropertyDescription("Its value. Default: empty.") @Nullable String value) {}

  /** A Secret of the same namespace. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record SecretName(@Required @JsonPropertyDescription("The Secret's name.") String name) {}

  /** Where the image goes. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Output(
      @Required
          @JsonPropertyDescription(
              "The repository, such as registry.example.com/shop/api; without a tag.")
          String image,
      @JsonPropertyDescription(
              "Tags to set; {{git.sha}}, {{git.shortSha}} and {{run}} are replaced. Default: latest.")
          @Nullable List<String> tags,
      @JsonPropertyDescription("A Secret of type kubernetes.io/dockerconfigjson for the push.")
          @Nullable SecretName secretRef,
      @JsonPropertyDescription("How new layers are compressed.")
          @Nullable LayerCompression compression,
      @JsonPropertyDescription(
              "Labels added to the image's config; they win over the Dockerfile's.")
          @Nullable Map<String, String> labels,
      @JsonPropertyDescription("Annotations of the image's manifest.")
          @Nullable Map<String, String> annotations) {}

  /** How new layers are compressed. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record LayerCompression(
      @JsonPropertyDescription("Default: gzip, which every runtime reads.")
          @Nullable CompressionType type,
      @JsonPropertyDescription(
              "1 (fast) to 9 for gzip, 1 to 19 for zstd. Default: 6 for gzip, 3 for zstd.")
          @Nullable Integer level) {}

  /** A compression of layers. */
  public enum CompressionType {
    gzip,
    zstd
  }

  /** Scratch space. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Workspace(
      @JsonPropertyDescription(
              "The emptyDir's size limit; a build that needs more fails with DiskFull.")
          @Nullable Quantity size) {}

  /** How many finished runs stay, with their Jobs and pods. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record History(
      @JsonPropertyDescription("Successful runs kept, 0 to 10. Default: 3.")
          @Nullable Integer successful,
      @JsonPropertyDescription("Failed runs kept, 0 to 10. Default: 3.") @Nullable Integer failed,
      @JsonPropertyDescription(
              "How long a finished run's Job and pods stay, such as \"24h\". Default: 24h.")
          @Nullable String ttl) {}

  /** What the builder pod needs of the cluster. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record PodTemplate(
      @JsonPropertyDescription("Requests and limits of the builder container.")
          @Nullable ResourceRequirements resources,
      @JsonPropertyDescription("Nodes the pod may run on.")
          @Nullable Map<String, String> nodeSelector,
      @JsonPropertyDescription("Taints the pod tolerates.") @Nullable List<Toleration> tolerations,
      @JsonPropertyDescription("Affinity of the pod.") @Nullable Affinity affinity,
      @JsonPropertyDescription(
              "The ServiceAccount, for its imagePullSecrets; its token is not mounted.")
          @Nullable String serviceAccountName,
      @JsonPropertyDescription("The pod's priority class.") @Nullable String priorityClassName,
      @JsonPropertyDescription("Labels added to the pod.") @Nullable Map<String, String> labels,
      @JsonPropertyDescription("Annotations added to the pod.")
          @Nullable Map<String, String> annotations) {}
}
