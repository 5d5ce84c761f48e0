package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Toleration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What to build, how, and where the image goes. Values that the manifest leaves out are the
 * defaults of the CRD's schema, here too: where no API server fills them in (at a desk), the
 * records do.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.source) || (has(self.dockerfile) && has(self.dockerfile.inline))",
    message =
        "spec.source is missing: set one of source.git, source.configMap and source.inline, or write the Dockerfile in dockerfile.inline")
@ValidationRule(
    value =
        "!self.output.tags.exists(t, t.contains('{{git.')) || (has(self.source) && has(self.source.git))",
    message =
        "spec.output.tags uses {{git.sha}} or {{git.shortSha}}, which only a source.git has: use {{run}} or a fixed tag")
@ValidationRule(
    value =
        "!has(self.reproducible) || self.reproducible.sourceDateEpoch != 'commit' || (has(self.source) && has(self.source.git))",
    message =
        "spec.reproducible.sourceDateEpoch is commit, which only a source.git has: write the seconds since 1970")
@ValidationRule(
    value =
        "!has(self.reproducible) || !has(self.buildArgs) || !self.buildArgs.exists(a, a.name == 'SOURCE_DATE_EPOCH')",
    message =
        "spec.buildArgs has SOURCE_DATE_EPOCH, which reproducible.sourceDateEpoch sets: remove one of them")
public record ImageBuildSpec(
    @JsonPropertyDescription(
            "Where the build context comes from: exactly one of its fields. May be left out when dockerfile.inline is given; the context is then empty.")
        @Nullable Source source,
    @JsonPropertyDescription(
            "The Dockerfile: a path in the source (\"Dockerfile\" if nothing is said) or its text.")
        @Nullable DockerfileRef dockerfile,
    @Size(max = 16)
        @JsonPropertyDescription(
            "Files and images that FROM, COPY --from and RUN --mount=from may name. A name goes before stages and images of that name.")
        @Nullable List<NamedContext> contexts,
    @Size(min = 1, max = 128)
        @ValidationRule(
            value = "self.matches('^[A-Za-z0-9][A-Za-z0-9_.-]*$')",
            message =
                "target must be the name or the number of a stage: letters, digits, '_', '.', '-'")
        @JsonPropertyDescription("The stage to build, by name or number; the last one if not set.")
        @Nullable String target,
    @Size(max = 128) @JsonPropertyDescription("Values for the Dockerfile's ARG instructions.")
        @Nullable List<BuildArg> buildArgs,
    @Size(max = 16)
        @JsonPropertyDescription(
            "Secrets of type kubernetes.io/dockerconfigjson in this namespace, for private base images and caches.")
        @Nullable List<SecretName> registrySecrets,
    @Size(max = 16)
        @JsonPropertyDescription(
            "What RUN --mount=type=secret may ask for. It reaches only the steps that mount it: no layer, no history, no cache key; a new value builds nothing anew.")
        @Nullable List<BuildSecret> secrets,
    @Size(max = 16)
        @JsonPropertyDescription(
            "Private keys with which RUN --mount=type=ssh may sign. A step gets an agent's socket and never sees a key.")
        @Nullable List<SshKey> ssh,
    @Required @JsonPropertyDescription("Where the image is pushed to, and how.") Output output,
    @JsonPropertyDescription(
            "Where results of steps are looked up and kept, so that the next run need not do them again. Nothing outlives the builder pod if not set.")
        @Nullable Cache cache,
    @JsonPropertyDescription(
            "What makes two builds of the same inputs one image, byte by byte. If not set, steps that run commands date what they write with the moment.")
        @Nullable Reproducible reproducible,
    @Default("Auto")
        @JsonPropertyDescription(
            "The least isolation of RUN steps that is acceptable; never silently less.")
        Isolation isolation,
    @JsonPropertyDescription("The builder pod's scratch space.") @Nullable Workspace workspace,
    @Default("1h")
        @Size(max = 32)
        @ValidationRule(value = TIMEOUT, message = TIMEOUT_MESSAGE)
        @JsonPropertyDescription(
            "How long a run may take over all its attempts, such as \"1h\" or \"90m\".")
        String timeout,
    @Default("3")
        @Min(0)
        @Max(10)
        @JsonPropertyDescription(
            "How often one run starts its builder again after an infrastructure failure or a disruption such as an eviction. After that the run has failed; for a reason that may pass (registry or source down, node trouble) new runs follow by themselves, after waits that grow, whatever this is.")
        Integer retries,
    @Default("{}") @JsonPropertyDescription("Which finished runs are kept.") History history,
    @Default("false")
        @JsonPropertyDescription("No new run is started while true; one that is under way goes on.")
        Boolean suspend,
    @JsonPropertyDescription("What the builder pod needs of the cluster.")
        @Nullable PodTemplate podTemplate) {

  /** Not by split(), whose cost for the API server does not go with the lists it is in. */
  private static final String RELATIVE = "!self.matches('^/|(^|/)[.][.](/|$)')";

  private static final String NAME =
      "([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*";

  static final String REPOSITORY = "self.matches('^" + NAME + "$')";

  /** Of an object such as a Secret. */
  static final String OBJECT_NAME = "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')";

  /** Of a Secret or a ConfigMap. */
  static final String DATA_KEY =
      "self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')";

  static final String DURATION = "self.matches('^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+$')";

  static final String TIMEOUT =
      DURATION + " && duration(self) >= duration('10s') && duration(self) <= duration('168h')";

  static final String TIMEOUT_MESSAGE =
      "timeout must be a duration from 10s to 168h, written as 90s, 10m or 1h30m";

  static final String SIZE =
      "isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))";

  public ImageBuildSpec {
    isolation = Objects.requireNonNullElse(isolation, Isolation.Auto);
    timeout = Objects.requireNonNullElse(timeout, "1h");
    retries = Objects.requireNonNullElse(retries, 3);
    history = Objects.requireNonNullElseGet(history, () -> new History(3, 3, "24h"));
    suspend = Objects.requireNonNullElse(suspend, false);
  }

  /** Exactly one field is set. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value =
          "(has(self.git) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) == 1",
      message = "spec.source needs exactly one of git, configMap and inline: remove the others")
  public record Source(
      @JsonPropertyDescription("A Git repository.") @Nullable GitSource git,
      @JsonPropertyDescription("A ConfigMap in this namespace.")
          @Nullable ConfigMapSource configMap,
      @Size(min = 1, max = 64)
          @ValidationRule(
              value = "self.map(f, size(f.content)).sum() <= 262144",
              message =
                  "source.inline holds more than 256 KiB: use a ConfigMap or a Git repository")
          @JsonPropertyDescription("Files written here, together at most 256 KiB.")
          @Nullable List<InlineFile> inline) {}

  /** What a name in a Dockerfile means: exactly one field is set besides the name. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value =
          "(has(self.git) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) + (has(self.image) ? 1 : 0) == 1",
      message =
          "spec.contexts[] needs exactly one of git, configMap, inline and image: remove the others")
  public record NamedContext(
      @Required
          @Size(min = 1, max = 255)
          @ValidationRule(
              value = "self.matches('^[a-z0-9][a-z0-9._/:@-]*$')",
              message =
                  "contexts[].name must be a stage's or an image's name, in lower case: letters, digits, '.', '_', '-', '/', ':', '@'")
          @ValidationRule(
              value = "self != 'scratch' && !self.matches('^[0-9]+$')",
              message =
                  "contexts[].name must not be scratch or a number: those mean nothing, or a stage, whatever a build says")
          @JsonPropertyDescription(
              "The name in FROM, COPY --from and RUN --mount=from. alpine, alpine:latest and docker.io/library/alpine are one name.")
          String name,
      @JsonPropertyDescription("A Git repository.") @Nullable GitSource git,
      @JsonPropertyDescription("A ConfigMap in this namespace.")
          @Nullable ConfigMapSource configMap,
      @Size(min = 1, max = 64)
          @ValidationRule(
              value = "self.map(f, size(f.content)).sum() <= 262144",
              message =
                  "contexts[].inline holds more than 256 KiB: use a ConfigMap or a Git repository")
          @JsonPropertyDescription("Files written here, together at most 256 KiB.")
          @Nullable List<InlineFile> inline,
      @JsonPropertyDescription(
              "An image, in the place of an image or a stage of that name; registrySecrets are used for it, and the installation must allow it as a base.")
          @Nullable ImageRef image) {

    /** The files; null if it is an image. */
    public @Nullable Source source() {
      return image == null ? new Source(git, configMap, inline) : null;
    }
  }

  /** An image in a registry. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ImageRef(
      @Required
          @Size(min = 1, max = 512)
          @ValidationRule(
              value =
                  "self.matches('^"
                      + NAME
                      + "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$')",
              message =
                  "image.image must be an image such as registry.example.com/base/java:25 or one with a digest")
          @JsonPropertyDescription("Its name, such as registry.example.com/base/java:25.")
          String image) {}

  /** A Git repository at a revision. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record GitSource(
      @Required
          @Size(min = 1, max = 2048)
          @ValidationRule(
              value =
                  "self.matches('^(https?|ssh|git)://[^/[:space:]]+/?[^[:space:]]*$') || self.matches('^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^[:space:]]+$')",
              message =
                  "git.url must be an https://, http://, ssh:// or git:// URL, or user@host:path")
          @ValidationRule(
              value = "!self.matches('^https?://[^/]*@|^[a-z]+://[^/]*:[^/]*@')",
              message =
                  "git.url must not hold credentials: put username and password into a Secret and name it in git.secretRef")
          @JsonPropertyDescription("https://, http://, ssh:// or git:// URL, or user@host:path.")
          String url,
      @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.matches('^[A-Za-z0-9_][^[:space:]~^:?*\\\\[\\\\\\\\]*$')",
              message =
                  "git.revision must be a branch, a tag, a full ref (refs/...) or a commit, not a path or an expression")
          @JsonPropertyDescription(
              "A branch, a tag, a full ref or a commit; the repository's HEAD if not set. It is resolved when a run starts; a branch that moves starts no run.")
          @Nullable String revision,
      @JsonPropertyDescription(
              "A Secret with username and password, or ssh-privatekey and known_hosts.")
          @Nullable SecretName secretRef,
      @Size(min = 1, max = 1024)
          @ValidationRule(
              value = RELATIVE,
              message = "git.subPath must be a folder below the repository's root, without '..'")
          @JsonPropertyDescription(
              "The folder of the repository that is the build context; its root if not set.")
          @Nullable String subPath) {}

  /** A ConfigMap whose keys are files of the context. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ConfigMapSource(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = OBJECT_NAME,
              message =
                  "name must be the name of a ConfigMap: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The ConfigMap's name.")
          String name,
      @Size(min = 1, max = 256)
          @JsonPropertyDescription(
              "Which keys become which files; every key, as a file of its name, if not set.")
          @Nullable List<Item> items) {

    /** One key as one file. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Item(
        @Required
            @Size(min = 1, max = 253)
            @ValidationRule(
                value = DATA_KEY,
                message =
                    "key must be a key of a ConfigMap: letters, digits, '-', '_', '.', and not '.' alone or '..' at its start")
            @JsonPropertyDescription("The key.")
            String key,
        @Required
            @Size(min = 1, max = 1024)
            @ValidationRule(
                value = RELATIVE,
                message = "path must be relative to the context's root, without '..'")
            @JsonPropertyDescription("The file's path in the context.")
            String path,
        @Default("420")
            @Min(0)
            @ValidationRule(
                value = "self <= 511",
                message =
                    "mode must be at most 0777; write it in octal with a leading 0, as in mode: 0755")
            @JsonPropertyDescription(
                "The file's permission bits: octal with a leading 0 in YAML (0644), decimal in JSON (420).")
            Integer mode) {
      public Item {
        mode = Objects.requireNonNullElse(mode, 0644);
      }
    }
  }

  /** A file of the context, written in the manifest. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record InlineFile(
      @Required
          @Size(min = 1, max = 1024)
          @ValidationRule(
              value = RELATIVE,
              message = "path must be relative to the context's root, without '..'")
          @JsonPropertyDescription("The file's path in the context.")
          String path,
      @Required @Size(max = 262144) @JsonPropertyDescription("The file's text.") String content,
      @Default("420")
          @Min(0)
          @ValidationRule(
              value = "self <= 511",
              message =
                  "mode must be at most 0777; write it in octal with a leading 0, as in mode: 0755")
          @JsonPropertyDescription(
              "The file's permission bits: octal with a leading 0 in YAML (0644), decimal in JSON (420).")
          Integer mode) {
    public InlineFile {
      mode = Objects.requireNonNullElse(mode, 0644);
    }
  }

  /** Where the Dockerfile is. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!(has(self.path) && has(self.inline))",
      message = "spec.dockerfile has both path and inline: remove one of them")
  public record DockerfileRef(
      @Size(min = 1, max = 1024)
          @ValidationRule(
              value = RELATIVE,
              message = "dockerfile.path must be a path in the source, without '..'")
          @JsonPropertyDescription("Its path in the source; \"Dockerfile\" if nothing is said.")
          @Nullable String path,
      @Size(min = 1, max = 131072) @JsonPropertyDescription("Its text.") @Nullable String inline) {}

  /** A value for an ARG. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.valueFrom) || !has(self.value) || self.value == ''",
      message = "spec.buildArgs[] has both value and valueFrom: remove one of them")
  public record BuildArg(
      @Required
          @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
              message =
                  "buildArgs[].name must be a name as in ARG: letters, digits and '_', not starting with a digit")
          @JsonPropertyDescription("The ARG's name.")
          String name,
      @Default("\"\"") @Size(max = 32768) @JsonPropertyDescription("Its value.") String value,
      @JsonPropertyDescription(
              "Where its value is. A Secret is not possible: build arguments end in the image's history; give steps a secret with spec.secrets.")
          @Nullable ArgSource valueFrom) {
    public BuildArg {
      value = Objects.requireNonNullElse(value, "");
    }
  }

  /** Where the value of an ARG is. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record ArgSource(
      @Required
          @JsonPropertyDescription(
              "A key of a ConfigMap in this namespace, at most 32 KiB. Another value there is another input of the build.")
          ConfigMapKey configMapKeyRef) {}

  /** A key of a ConfigMap of the same namespace. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record ConfigMapKey(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = OBJECT_NAME,
              message =
                  "name must be the name of a ConfigMap: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The ConfigMap's name.")
          String name,
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = DATA_KEY,
              message =
                  "key must be a key of a ConfigMap: letters, digits, '-', '_', '.', and not '.' alone or '..' at its start")
          @JsonPropertyDescription("The key in it.")
          String key) {}

  /** A secret that steps may mount. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record BuildSecret(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = DATA_KEY,
              message =
                  "secrets[].id must be letters, digits, '-', '_', '.', and not '.' alone or '..' at its start")
          @JsonPropertyDescription("The id in RUN --mount=type=secret,id=ID.")
          String id,
      @Required @JsonPropertyDescription("Where its bytes are, at most 500 KiB.")
          SecretKey secretRef)
      implements Mounted {
    /** The key of the Secret: what the reference says, else the id. */
    @Override
    public String key() {
      return Objects.requireNonNullElse(secretRef.key(), id);
    }
  }

  /** A private key for an SSH agent that steps may use. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record SshKey(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = DATA_KEY,
              message =
                  "ssh[].id must be letters, digits, '-', '_', '.', and not '.' alone or '..' at its start")
          @JsonPropertyDescription("The id in RUN --mount=type=ssh,id=ID; \"default\" without one.")
          String id,
      @Required
          @JsonPropertyDescription(
              "A Secret with a private key without a passphrase, such as one of type kubernetes.io/ssh-auth; the key in it is ssh-privatekey if not set.")
          SecretKey secretRef)
      implements Mounted {
    /** The key of the Secret. */
    @Override
    public String key() {
      return Objects.requireNonNullElse(secretRef.key(), "ssh-privatekey");
    }
  }

  /** What steps may mount by an id: it comes from a key of a Secret. */
  public sealed interface Mounted {
    String id();

    SecretKey secretRef();

    /** The key in the Secret, which the reference need not say. */
    String key();
  }

  /** A key of a Secret of the same namespace. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record SecretKey(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = OBJECT_NAME,
              message = "name must be the name of a Secret: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The Secret's name.")
          String name,
      @Size(min = 1, max = 253)
          @ValidationRule(
              value = DATA_KEY,
              message =
                  "key must be a key of a Secret: letters, digits, '-', '_', '.', and not '.' alone or '..' at its start")
          @JsonPropertyDescription(
              "The key in it; if not set, of secrets the id, of ssh ssh-privatekey.")
          @Nullable String key) {}

  /** A Secret of the same namespace. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record SecretName(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = OBJECT_NAME,
              message = "name must be the name of a Secret: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The Secret's name.")
          String name) {}

  /** Where the image goes. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Output(
      @Required
          @Size(min = 1, max = 255)
          @ValidationRule(
              value = "!self.contains('@')",
              message = "output.image must not have a digest: name the repository only")
          @ValidationRule(
              value = "!self.matches(':[^/]*$')",
              message =
                  "output.image must not have a tag: put it into output.tags (and name the repository, not only the registry)")
          @ValidationRule(
              value = "self.matches('@|:[^/]*$') || " + REPOSITORY,
              message =
                  "output.image must be a repository such as registry.example.com/shop/api, in lower case")
          @JsonPropertyDescription(
              "The repository, such as registry.example.com/shop/api; without a tag.")
          String image,
      @Default("[\"latest\"]")
          @Size(min = 1, max = 16)
          @ValidationRule(
              value =
                  "self.all(t, t.matches('^([A-Za-z0-9_]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])([A-Za-z0-9_.-]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])*$'))",
              message =
                  "output.tags: a tag has at most 128 letters, digits, '_', '.', '-' and does not start with '.' or '-'; the templates are {{git.sha}}, {{git.shortSha}} and {{run}}")
          @JsonPropertyDescription(
              "Tags to set; {{git.sha}}, {{git.shortSha}} and {{run}} are replaced.")
          List<@Size(min = 1, max = 128) String> tags,
      @JsonPropertyDescription("A Secret of type kubernetes.io/dockerconfigjson for the push.")
          @Nullable SecretName secretRef,
      @JsonPropertyDescription("How new layers are compressed.")
          @Nullable LayerCompression compression,
      @Size(max = 64)
          @JsonPropertyDescription(
              "Labels added to the image's config; they win over the Dockerfile's.")
          @Nullable Map<String, @Size(max = 4096) String> labels,
      @Size(max = 64) @JsonPropertyDescription("Annotations of the image's manifest.")
          @Nullable Map<String, @Size(max = 4096) String> annotations) {
    public Output {
      tags = tags == null ? List.of("latest") : List.copyOf(tags);
    }
  }

  /** How new layers are compressed. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.level) || self.type == 'zstd' || self.level <= 9",
      message = "compression.level of gzip goes from 1 (fast) to 9; only zstd goes to 19",
      fieldPath = ".level")
  public record LayerCompression(
      @Default("gzip")
          @JsonPropertyDescription("The compression; every runtime reads gzip, newer ones zstd.")
          CompressionType type,
      @Min(1)
          @Max(19)
          @JsonPropertyDescription(
              "1 (fast) to 9 for gzip, 1 to 19 for zstd. Not set, zstd has 3, and gzip the fastest compressor of the machine; with a level, gzip gives the same bytes on all machines.")
          @Nullable Integer level) {
    public LayerCompression {
      type = Objects.requireNonNullElse(type, CompressionType.gzip);
    }
  }

  /** A compression of layers. */
  public enum CompressionType {
    gzip,
    zstd
  }

  /** What is kept of a run for the next ones. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.registry) || has(self.volume) || (has(self.disabled) && self.disabled)",
      message =
          "spec.cache says nowhere to keep anything: set cache.volume or cache.registry, or cache.disabled")
  public record Cache(
      @JsonPropertyDescription("A repository that holds the results of steps.")
          @Nullable RegistryCache registry,
      @JsonPropertyDescription(
              "A volume that holds the results of steps, layers of bases, and the directories of RUN --mount=type=cache. It is looked into before the registry's cache.")
          @Nullable VolumeCache volume,
      @Default("max")
          @JsonPropertyDescription(
              "Which steps are kept in the registry: min, those whose layers are in the image; max, those of all stages. A volume keeps all.")
          CacheMode mode,
      @Default("false")
          @JsonPropertyDescription(
              "Every step is done, whatever earlier runs left; the volume is not mounted, and nothing is written to the registry's cache.")
          Boolean disabled) {
    public Cache {
      mode = Objects.requireNonNullElse(mode, CacheMode.max);
      disabled = Objects.requireNonNullElse(disabled, false);
    }
  }

  /** Which steps a cache keeps. */
  public enum CacheMode {
    min,
    max
  }

  /** A repository of a cache. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record RegistryCache(
      @Required
          @Size(min = 1, max = 255)
          @ValidationRule(
              value = REPOSITORY,
              message =
                  "cache.registry.repository must be a repository such as registry.example.com/shop/api-cache, in lower case, without a tag or digest")
          @JsonPropertyDescription(
              "The repository, such as registry.example.com/shop/api-cache; whoever may write to it decides what builds get from it. It must be one that the installation allows pushes to.")
          String repository,
      @JsonPropertyDescription(
              "A Secret of type kubernetes.io/dockerconfigjson for the cache; output.secretRef and registrySecrets are used too.")
          @Nullable SecretName secretRef) {}

  /** Fixed times. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Reproducible(
      @Required
          @ValidationRule(
              value =
                  "type(self) == int ? self >= 0 && self <= 2147483647 : string(self).matches('^(commit|[0-9]{1,10})$')",
              message =
                  "reproducible.sourceDateEpoch must be commit, or seconds since 1970 such as 1700000000")
          @JsonPropertyDescription(
              "The time of the image and its history, and the latest time of the files that the build adds: seconds since 1970, or the word commit for the time of the source's commit. It is the build argument SOURCE_DATE_EPOCH. Another time is another image, so with commit every commit does all steps anew.")
          IntOrString sourceDateEpoch) {

    /** The word for the commit's time. */
    public static final String COMMIT = "commit";

    /** Seconds since 1970; empty for the commit's time. */
    public OptionalLong seconds() {
      String text = String.valueOf(sourceDateEpoch.getValue());
      return text.equals(COMMIT) ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(text));
    }
  }

  /** A volume of a cache. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record VolumeCache(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = OBJECT_NAME,
              message =
                  "claimName must be the name of a PersistentVolumeClaim: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription(
              "A PersistentVolumeClaim of this namespace. Several builds may use it at once; who may write to it decides what builds get from it.")
          String claimName,
      @Size(min = 1, max = 1024)
          @ValidationRule(
              value = RELATIVE,
              message = "volume.subPath must be a folder of the volume, without '..'")
          @JsonPropertyDescription("A folder of the volume; its root if not set.")
          @Nullable String subPath,
      @ValidationRule(value = SIZE, message = "volume.maxSize must be a size such as 500Mi or 20Gi")
          @JsonPropertyDescription(
              "When a run is over, what was not used for the longest time is removed until the cache has this size, and a hundredth of the volume is free. If not set, until a tenth is free.")
          @Nullable Quantity maxSize,
      @Size(max = 32)
          @ValidationRule(
              value =
                  DURATION
                      + " && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",
              message = "volume.maxAge must be a duration from 1m to 8760h, such as 168h")
          @JsonPropertyDescription(
              "When a run is over, what was not used for this long is removed too, such as \"168h\". If not set, the size alone decides.")
          @Nullable String maxAge) {}

  /** Scratch space. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Workspace(
      @ValidationRule(value = SIZE, message = "workspace.size must be a size such as 500Mi or 20Gi")
          @JsonPropertyDescription(
              "The emptyDir's size limit; a build that needs more fails with DiskFull. The installation's default if not set.")
          @Nullable Quantity size) {}

  /** How many finished runs stay, with their Jobs and pods. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record History(
      @Default("3") @Min(0) @Max(10) @JsonPropertyDescription("Successful runs kept.")
          Integer successful,
      @Default("3") @Min(0) @Max(10) @JsonPropertyDescription("Failed runs kept.") Integer failed,
      @Default("24h")
          @Size(max = 32)
          @ValidationRule(
              value = DURATION + " && duration(self) <= duration('8760h')",
              message = "history.ttl must be a duration of at most 8760h, such as 30m or 24h")
          @JsonPropertyDescription("How long a finished run's Job and pods stay, such as \"24h\".")
          String ttl) {
    public History {
      successful = Objects.requireNonNullElse(successful, 3);
      failed = Objects.requireNonNullElse(failed, 3);
      ttl = Objects.requireNonNullElse(ttl, "24h");
    }
  }

  /** What the builder pod needs of the cluster. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record PodTemplate(
      @JsonPropertyDescription("Requests and limits of the builder container.")
          @Nullable ResourceRequirements resources,
      @Size(max = 64) @JsonPropertyDescription("Nodes the pod may run on.")
          @Nullable Map<String, @Size(max = 63) String> nodeSelector,
      @Size(max = 64) @JsonPropertyDescription("Taints the pod tolerates.")
          @Nullable List<Toleration> tolerations,
      @JsonPropertyDescription("Affinity of the pod.") @Nullable Affinity affinity,
      @Size(min = 1, max = 253)
          @JsonPropertyDescription(
              "The ServiceAccount, for its imagePullSecrets; its token is not mounted.")
          @Nullable String serviceAccountName,
      @Size(min = 1, max = 253) @JsonPropertyDescription("The pod's priority class.")
          @Nullable String priorityClassName,
      @Size(max = 64) @JsonPropertyDescription("Labels added to the pod.")
          @Nullable Map<String, @Size(max = 63) String> labels,
      @Size(max = 64) @JsonPropertyDescription("Annotations added to the pod.")
          @Nullable Map<String, @Size(max = 16384) String> annotations) {}
}
