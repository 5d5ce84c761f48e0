package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An image's configuration (OCI image-spec 1.1, config, with Docker's additions Healthcheck,
 * OnBuild and Shell). Immutable; the engine makes new ones.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ImageConfig(
    /** RFC 3339, or null when unknown. */
    @Nullable String created,
    @Nullable String author,
    String architecture,
    @Nullable String variant,
    String os,
    @JsonProperty("os.version") @Nullable String osVersion,
    @JsonProperty("os.features") @Nullable List<String> osFeatures,
    @Nullable ContainerConfig config,
    RootFs rootfs,
    @Nullable List<History> history) {

  /** Layers by the digest of their uncompressed tar, base first. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record RootFs(String type, @JsonProperty("diff_ids") List<Digest> diffIds) {
    public RootFs(List<Digest> diffIds) {
      this("layers", List.copyOf(diffIds));
    }
  }

  /** How one layer, or one change of the configuration, came to be. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record History(
      @Nullable String created,
      @JsonProperty("created_by") @Nullable String createdBy,
      @Nullable String author,
      @Nullable String comment,
      @JsonProperty("empty_layer") @Nullable Boolean emptyLayer) {}

  /** What a container of the image runs with; field names are the JSON's. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ContainerConfig(
      @JsonProperty("User") @Nullable String user,
      @JsonProperty("ExposedPorts") @Nullable Map<String, Map<String, String>> exposedPorts,
      @JsonProperty("Env") @Nullable List<String> env,
      @JsonProperty("Entrypoint") @Nullable List<String> entrypoint,
      @JsonProperty("Cmd") @Nullable List<String> cmd,
      @JsonProperty("Healthcheck") @Nullable Healthcheck healthcheck,
      @JsonProperty("ArgsEscaped") @Nullable Boolean argsEscaped,
      @JsonProperty("Volumes") @Nullable Map<String, Map<String, String>> volumes,
      @JsonProperty("WorkingDir") @Nullable String workingDir,
      @JsonProperty("Labels") @Nullable Map<String, String> labels,
      @JsonProperty("OnBuild") @Nullable List<String> onBuild,
      @JsonProperty("StopSignal") @Nullable String stopSignal,
      @JsonProperty("Shell") @Nullable List<String> shell) {
    public static ContainerConfig empty() {
      return new ContainerConfig(
          null, null, null, null, null, null, null, null, null, null, null, null, null);
    }
  }

  /** Docker's health check; durations in nanoseconds. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Healthcheck(
      @JsonProperty("Test") @Nullable List<String> test,
      @JsonProperty("Interval") @Nullable Long interval,
      @JsonProperty("Timeout") @Nullable Long timeout,
      @JsonProperty("StartPeriod") @Nullable Long startPeriod,
      @JsonProperty("StartInterval") @Nullable Long startInterval,
      @JsonProperty("Retries") @Nullable Integer retries) {}

  /** The same image, said to be for another platform. */
  public ImageConfig withPlatform(Platform platform) {
    return new ImageConfig(
        created,
        author,
        platform.architecture(),
        platform.variant(),
        platform.os(),
        platform.osVersion(),
        platform.osFeatures(),
        config,
        rootfs,
        history);
  }

  public Platform platform() {
    return new Platform(architecture, os, osVersion, osFeatures, variant);
  }
}
