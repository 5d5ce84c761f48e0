package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What an image runs on: GOOS, GOARCH and a variant (OCI image-spec 1.1, image index, "platform").
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Platform(
    String architecture,
    String os,
    @JsonProperty("os.version") @Nullable String osVersion,
    @JsonProperty("os.features") @Nullable List<String> osFeatures,
    @Nullable String variant) {

  /**
   * Reads {@code os/arch[/variant]}, with the spellings that uname and Debian use for
   * architectures.
   */
  public static Platform parse(String text) {
    String[] parts = text.toLowerCase(Locale.ROOT).split("/", -1);
    if (parts.length < 2 || parts.length > 3 || List.of(parts).contains("")) {
      throw new OciException("not a platform: \"" + text + "\" (want os/arch or os/arch/variant)");
    }
    String variant = parts.length == 3 ? parts[2] : null;
    return switch (parts[1]) {
      case "x86_64", "x86-64", "amd64" ->
          of(parts[0], "amd64", "v1".equals(variant) ? null : variant);
      case "aarch64", "arm64" -> of(parts[0], "arm64", "v8".equals(variant) ? null : variant);
      case "armhf" -> of(parts[0], "arm", "v7");
      case "armel" -> of(parts[0], "arm", "v6");
      case "i386" -> of(parts[0], "386", variant);
      default -> of(parts[0], parts[1], variant);
    };
  }

  public static Platform of(String os, String architecture, @Nullable String variant) {
    return new Platform(architecture, os, null, null, variant);
  }

  /** The platform this process runs on; containers are Linux's. */
  public static Platform host() {
    return parse("linux/" + System.getProperty("os.arch"));
  }

  /**
   * Whether an image of that platform is what this one asks for; arm64's v8 and amd64's v1 are the
   * defaults.
   */
  public boolean accepts(Platform other) {
    return os.equals(other.os)
        && architecture.equals(other.architecture)
        && normal(variant, architecture).equals(normal(other.variant, architecture));
  }

  private static String normal(@Nullable String variant, String architecture) {
    if (variant != null && !variant.isEmpty()) {
      return variant;
    }
    return switch (architecture) {
      case "arm64" -> "v8";
      case "arm" -> "v7";
      case "amd64" -> "v1";
      default -> "";
    };
  }

  @Override
  public String toString() {
    return os + "/" + architecture + (variant == null || variant.isEmpty() ? "" : "/" + variant);
  }
}
