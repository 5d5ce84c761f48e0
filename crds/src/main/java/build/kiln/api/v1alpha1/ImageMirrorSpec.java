package build.kiln.api.v1alpha1;

import build.kiln.api.v1alpha1.ImageBuildSpec.History;
import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What to copy, where to, and when. Values that the manifest leaves out are the defaults of the
 * CRD's schema, here too.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.destination.repository) || has(self.source.repository)",
    message =
        "spec.destination.repository takes the images of one repository: for several set destination.prefix")
@ValidationRule(
    value = "has(self.tags) || has(self.source.digests)",
    message = "spec.tags is missing: say which tags are copied, such as tags.all: true")
@ValidationRule(
    value = "!(has(self.schedule) && has(self.interval))",
    message = "spec.schedule and spec.interval exclude each other: remove one of them")
@ValidationRule(
    value = "!has(self.timeZone) || has(self.schedule)",
    message = "spec.timeZone is the zone of spec.schedule, which is missing")
@ValidationRule(
    value = "!has(self.rewrite) || !self.rewrite || has(self.platforms)",
    message = "spec.rewrite writes an index with fewer platforms: say which in spec.platforms")
@ValidationRule(
    value = "!has(self.artifactTypes) || (has(self.referrers) && self.referrers)",
    message = "spec.artifactTypes chooses among referrers: set spec.referrers: true")
public record ImageMirrorSpec(
    @Required @JsonPropertyDescription("Where the images are.") Source source,
    @Required @JsonPropertyDescription("Where they are copied to.") Destination destination,
    @JsonPropertyDescription("Which tags are copied. May be left out with source.digests.")
        @Nullable Tags tags,
    @Size(min = 1, max = 32)
        @ValidationRule(
            value = "self.all(t, t.matches('^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$'))",
            message = "platforms must be such as linux/arm64 or linux/arm/v7")
        @JsonPropertyDescription(
            "Of an index, the platforms that are copied, such as linux/arm64 or linux/arm/v7; all if not set. The index is copied as it is and keeps its digest, so it names manifests that are not there: a registry that refuses that is told by the reason SparseIndexUnsupported. What is no index is copied whatever it is for.")
        @Nullable List<@Size(min = 1, max = 64) String> platforms,
    @Default("false")
        @JsonPropertyDescription(
            "Whether an index is written anew with spec.platforms only. Its digest is another then, and signatures of it do not hold.")
        Boolean rewrite,
    @Default("false")
        @JsonPropertyDescription(
            "Whether what points at an image comes with it: signatures, SBOMs, attestations, by the referrers API or its fallback tag, and under cosign's tags sha256-<hex>.sig, .att and .sbom.")
        Boolean referrers,
    @Size(min = 1, max = 32)
        @JsonPropertyDescription(
            "Only referrers of these artifact types; all if not set. What is under cosign's tags has the media types of its layers.")
        @Nullable List<@Size(min = 1, max = 255) String> artifactTypes,
    @Default("IfDifferent")
        @JsonPropertyDescription(
            "What happens to a tag that the destination has: IfDifferent, it is moved when the source's is another; Never, it is kept.")
        Overwrite overwrite,
    @Default("Keep")
        @JsonPropertyDescription(
            "What happens at the destination to tags that are no longer among the source's chosen ones: Keep, or Sync, they are deleted. Only tags that this mirror copied since it says Sync, and nobody moved since, are ever deleted; a small artifact tagged kiln-mirror-<hash> in the repository keeps their list.")
        Deletions deletions,
    @Default("20")
        @Min(1)
        @Max(100)
        @JsonPropertyDescription(
            "With deletions: Sync, the largest share in percent, rounded up, of this mirror's tags in a repository that one run may delete. If more are gone, none is deleted, and the run has failed with TooManyDeletions.")
        Integer maxDeletionPercent,
    @JsonPropertyDescription("Images are copied only if they are signed.") @Nullable Verify verify,
    @Size(min = 1, max = 128)
        @ValidationRule(value = ScheduleRules.SCHEDULE, message = ScheduleRules.SCHEDULE_MESSAGE)
        @JsonPropertyDescription(
            "When to run, as cron writes it: minute, hour, day of month, month, day of week. Besides, and without it, a run starts when the resource is created, when what it asks for changes, and when the annotation kiln.build/sync has a new value. Times that pass during a run are passed over; of those that were missed otherwise, one is made up for.")
        @Nullable String schedule,
    @Size(min = 1, max = 64)
        @ValidationRule(value = ScheduleRules.TIME_ZONE, message = ScheduleRules.TIME_ZONE_MESSAGE)
        @JsonPropertyDescription("The schedule's time zone, such as Europe/Zurich; UTC if not set.")
        @Nullable String timeZone,
    @Size(min = 1, max = 32)
        @ValidationRule(
            value =
                ImageBuildSpec.DURATION
                    + " && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",
            message = "interval must be a duration from 1m to 8760h, such as 30m or 24h")
        @JsonPropertyDescription(
            "How long after a run's start the next one starts, such as \"1h\"; at once, if the run took longer.")
        @Nullable String interval,
    @Default("false")
        @JsonPropertyDescription("No new run is started while true; one that is under way goes on.")
        Boolean suspend,
    @Default("false")
        @JsonPropertyDescription(
            "Whether nothing is copied or deleted, and the status says what would be.")
        Boolean dryRun,
    @Default("8") @Min(1) @Max(64) @JsonPropertyDescription("How many images are copied at once.")
        Integer concurrency,
    @ValidationRule(
            value = ImageBuildSpec.SIZE,
            message = "bandwidth must be bytes a second such as 500Ki or 20Mi")
        @JsonPropertyDescription(
            "The most bytes a second of images' content, over all that is copied at once; no limit if not set.")
        @Nullable Quantity bandwidth,
    @Default("6h")
        @Size(max = 32)
        @ValidationRule(value = ImageBuildSpec.TIMEOUT, message = ImageBuildSpec.TIMEOUT_MESSAGE)
        @JsonPropertyDescription(
            "How long a run may take, such as \"6h\". What was copied until then stays, and the next run goes on from there.")
        String timeout,
    @Default("{}") @JsonPropertyDescription("How many finished runs' Jobs are kept, and how long.")
        History history,
    @JsonPropertyDescription("What the pod needs of the cluster.")
        @Nullable PodTemplate podTemplate) {

  public ImageMirrorSpec {
    rewrite = Objects.requireNonNullElse(rewrite, false);
    referrers = Objects.requireNonNullElse(referrers, false);
    overwrite = Objects.requireNonNullElse(overwrite, Overwrite.IfDifferent);
    deletions = Objects.requireNonNullElse(deletions, Deletions.Keep);
    maxDeletionPercent = Objects.requireNonNullElse(maxDeletionPercent, 20);
    suspend = Objects.requireNonNullElse(suspend, false);
    dryRun = Objects.requireNonNullElse(dryRun, false);
    concurrency = Objects.requireNonNullElse(concurrency, 8);
    timeout = Objects.requireNonNullElse(timeout, "6h");
    history = Objects.requireNonNullElseGet(history, () -> new History(3, 3, "24h"));
  }

  /** One repository, or several of a registry. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.repository) != has(self.registry)",
      message = "spec.source needs either repository, or registry with repositories")
  @ValidationRule(
      value = "has(self.registry) == has(self.repositories)",
      message = "spec.source.registry and spec.source.repositories go together")
  @ValidationRule(
      value = "!has(self.digests) || has(self.repository)",
      message = "spec.source.digests are those of one source.repository")
  public record Source(
      @Size(min = 1, max = 255)
          @ValidationRule(
              value = ImageBuildSpec.REPOSITORY,
              message =
                  "source.repository must be a repository such as docker.io/library/alpine, in lower case, without a tag or digest")
          @JsonPropertyDescription("One repository, such as docker.io/library/alpine.")
          @Nullable String repository,
      @Size(min = 1, max = 255)
          @ValidationRule(
              value = "self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$')",
              message = "source.registry must be a host such as ghcr.io or registry.local:5000")
          @JsonPropertyDescription("A registry's host, such as registry.example.com:5000.")
          @Nullable String registry,
      @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.all(t, t.matches('^[a-z0-9*][a-z0-9._/*-]*$'))",
              message =
                  "source.repositories must be names or globs such as library/alpine or team/**")
          @JsonPropertyDescription(
              "Repositories of the registry, by name or by glob: * is any text without a slash, ** any text. Globs need a registry that lists its repositories (/v2/_catalog), which most public ones do not; names need nothing.")
          @Nullable List<@Size(min = 1, max = 255) String> repositories,
      @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.all(t, t.matches('^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$'))",
              message = "source.digests must be such as sha256: and 64 hexadecimal digits")
          @JsonPropertyDescription(
              "Images of the repository by digest, copied besides spec.tags. At the destination they have no tag.")
          @Nullable List<@Size(max = 160) String> digests,
      @JsonPropertyDescription("A Secret of type kubernetes.io/dockerconfigjson to pull with.")
          @Nullable SecretName secretRef) {}

  /** Where to. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.repository) != has(self.prefix)",
      message = "spec.destination needs exactly one of repository and prefix")
  public record Destination(
      @Size(min = 1, max = 255)
          @ValidationRule(
              value = ImageBuildSpec.REPOSITORY,
              message =
                  "destination.repository must be a repository such as registry.example.com/mirror/alpine, in lower case, without a tag or digest")
          @JsonPropertyDescription("The repository for the images of source.repository.")
          @Nullable String repository,
      @Size(min = 1, max = 255)
          @ValidationRule(
              value =
                  "self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*$')",
              message =
                  "destination.prefix must be a registry, with or without a path, such as registry.example.com/mirror")
          @JsonPropertyDescription(
              "What the source's repository is put behind: with registry.example.com/mirror, docker.io/library/alpine goes to registry.example.com/mirror/library/alpine.")
          @Nullable String prefix,
      @JsonPropertyDescription("A Secret of type kubernetes.io/dockerconfigjson to push with.")
          @Nullable SecretName secretRef) {}

  /** Which tags: what any of the fields but exclude chooses, without what exclude names. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value =
          "has(self.all) && self.all || has(self.include) || has(self.regex) || has(self.semver) || has(self.latest)",
      message = "spec.tags chooses nothing: set all, include, regex, semver or latest")
  @ValidationRule(
      value = "!has(self.latestBy) || has(self.latest)",
      message = "spec.tags.latestBy says what tags.latest counts by, which is missing")
  public record Tags(
      @JsonPropertyDescription("All of them, but for cosign's and other tags of digests.")
          @Nullable Boolean all,
      @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.all(t, t.matches('^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]*$'))",
              message = "tags.include must be tags or globs such as 3.* or latest")
          @JsonPropertyDescription(
              "Tags by name or by glob: * is any text, ? any character. A name is copied without listing the repository's tags, and is a failure if it is not there.")
          @Nullable List<@Size(min = 1, max = 128) String> include,
      @Size(min = 1, max = 512)
          @JsonPropertyDescription(
              "Tags that match as a whole, by Java's regular expressions, such as v[0-9]+(-rc[0-9]+)?.")
          @Nullable String regex,
      @Size(min = 1, max = 256)
          @JsonPropertyDescription(
              "Tags that are versions in this range, such as \">=1.25 <2\", \"^1.4 || 2.x\" or \"~3.1\". A version has two or three numbers, and may begin with a v. Prereleases count only if the range names one of the same three numbers.")
          @Nullable String semver,
      @Min(1) @Max(1000) @JsonPropertyDescription("So many of the newest tags.")
          @Nullable Integer latest,
      @JsonPropertyDescription(
              "What is newest: Semver, the highest versions, without prereleases (if not set); Created, by the label or annotation org.opencontainers.image.created, else by the time in the configuration, which is read of every tag.")
          @Nullable LatestBy latestBy,
      @Size(min = 1, max = 256)
          @ValidationRule(
              value = "self.all(t, t.matches('^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]*$'))",
              message = "tags.exclude must be tags or globs such as *-rc* or edge")
          @JsonPropertyDescription(
              "Tags, by name or by glob, that are not copied whatever else chooses them.")
          @Nullable List<@Size(min = 1, max = 128) String> exclude) {}

  /** What newest means. */
  public enum LatestBy {
    Semver,
    Created
  }

  /** What happens to a tag that the destination has. */
  public enum Overwrite {
    IfDifferent,
    Never
  }

  /** What happens to a tag that the source has no more. */
  public enum Deletions {
    Keep,
    Sync
  }

  /** Whose signature an image must have. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Verify(
      @Required
          @JsonPropertyDescription(
              "Public keys in PEM, of ECDSA on P-256 as cosign makes them; a signature by any of them is enough. It must be under cosign's tag of the image's digest.")
          KeyRef publicKeyRef) {}

  /** A key of a Secret. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record KeyRef(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = ImageBuildSpec.OBJECT_NAME,
              message = "name must be the name of a Secret: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The Secret's name.")
          String name,
      @Default("cosign.pub")
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = ImageBuildSpec.DATA_KEY,
              message =
                  "publicKeyRef.key must be a key of a Secret: letters, digits, '-', '_', '.'")
          @JsonPropertyDescription("The key in it.")
          String key) {
    public KeyRef {
      key = Objects.requireNonNullElse(key, "cosign.pub");
    }
  }
}
