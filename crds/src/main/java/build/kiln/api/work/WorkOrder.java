package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.Isolation;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that one attempt of one run needs to know: the resource as applied, what was pinned for this
 * run, and what the installation decides. In a cluster it is {@code order.json} in an immutable
 * ConfigMap; at a desk {@code kiln run -f} makes it from the manifest.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WorkOrder(
    String apiVersion, String kind, ImageBuild resource, Resolved resolved, Settings settings) {
  public static final String API_VERSION = "work.kiln.build/v1";
  public static final String KIND = "WorkOrder";

  public WorkOrder(ImageBuild resource, Resolved resolved, Settings settings) {
    this(API_VERSION, KIND, resource, resolved, settings);
  }

  /** What was pinned when the run was accepted. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Resolved(
      long run,
      int attempt,
      /** The commit a Git source was resolved to; null for other sources. */
      @Nullable String revision,
      /**
       * The values of the build arguments that come from elsewhere; at a desk they are looked up.
       */
      @Nullable Map<String, String> buildArgs,
      /**
       * Tags, at least one. {{run}} is replaced; {{git.sha}} and {{git.shortSha}} are not where the
       * revision is null: the builder resolves it and replaces them.
       */
      List<String> tags,
      /** The tier the pod was shaped for; Auto only at a desk. */
      Isolation isolation,
      /** Frames the records on stdout; secret from RUN steps. */
      String nonce) {}

  /** What the installation decides, for every build. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Settings(
      /** Upstream host to ordered mirrors (host or URL); the upstream itself is tried last. */
      @Nullable Map<String, List<String>> mirrors,
      /** Hosts (host[:port]) spoken to over plain HTTP or unverified TLS. */
      @Nullable List<String> insecureRegistries,
      /** A folder of PEM files trusted besides the system's. */
      @Nullable String caDirectory,
      /**
       * Patterns (globs over registry/repository) that bases must match; null or empty allows all.
       */
      @Nullable List<String> allowedBases,
      /**
       * Patterns that outputs, and repositories of caches, must match; null or empty allows all.
       */
      @Nullable List<String> allowedOutputs,
      /** HTTP_PROXY and the like for the builder and, as predefined ARGs, for RUN. */
      @Nullable Map<String, String> proxies) {
    /** For who must see a registry itself, and no copy of it. */
    public Settings withoutMirrors() {
      return new Settings(
          null, insecureRegistries, caDirectory, allowedBases, allowedOutputs, proxies);
    }

    public static Settings none() {
      return new Settings(null, null, null, null, null, null);
    }
  }
}
