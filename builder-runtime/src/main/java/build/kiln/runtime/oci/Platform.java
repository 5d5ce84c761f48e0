package build.kiln.runtime.oci;

import build.kiln.runtime.oci.JsonRecord.Field;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an image runs on: GOOS, GOARCH and a variant (OCI image-spec 1.1, image index, "platform").
 */
public record Platform(
    String architecture,
    String os,
    @Nullable String osVersion,
    @Nullable List<String> osFeatures,
    @Nullable String variant) {

  private static final Field<Platform, String> ARCHITECTURE =
      Field.ifAny("architecture", JsonForm.TEXT, Platform::architecture);
  private static final Field<Platform, String> OS = Field.ifAny("os", JsonForm.TEXT, Platform::os);
  private static final Field<Platform, String> OS_VERSION =
      Field.ifAny("os.version", JsonForm.TEXT, Platform::osVersion);
  private static final Field<Platform, List<String>> OS_FEATURES =
      Field.ifAny("os.features", JsonForm.TEXTS, Platform::osFeatures);
  private static final Field<Platform, String> VARIANT =
      Field.ifAny("variant", JsonForm.TEXT, Platform::variant);

  /** As the specification has it; what is not said is empty. */
  public static final JsonForm<Platform> JSON =
      JsonRecord.of(
          json ->
              new Platform(
                  json.get(ARCHITECTURE, ""),
                  json.get(OS, ""),
                  json.get(OS_VERSION),
                  json.get(OS_FEATURES),
                  json.get(VARIANT)),
          ARCHITECTURE,
          OS,
          OS_VERSION,
          OS_FEATURES,
          VARIANT);

  private static final Set<String> SYSTEMS =
      Set.of("linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "wasip1");

  private static final Set<String> ARCHITECTURES =
      Set.of(
          "amd64",
          "x86_64",
          "x86-64",
          "386",
          "i386",
          "arm64",
          "aarch64",
          "arm",
          "armhf",
          "armel",
          "loong64",
          "mips",
          "mips64",
          "mips64le",
          "mipsle",
          "ppc64",
          "ppc64le",
          "riscv64",
          "s390x",
          "wasm");

  /**
   * Reads {@code os/arch[/variant]}, or one of the first two alone, with the spellings that uname
   * and Debian use for architectures. What is not said is this machine's; of arm it is v7.
   *
   * @throws OciException if the text is no platform
   */
  public static Platform parse(String text) {
    String[] parts = text.toLowerCase(Locale.ROOT).split("/", -1);
    if (parts.length == 1 && SYSTEMS.contains(parts[0])) {
      return of(parts[0], host().architecture(), host().variant());
    }
    if (parts.length == 1 && ARCHITECTURES.contains(parts[0])) {
      return of("linux", parts[0], List.of());
    }
    if (parts.length < 2 || parts.length > 3 || List.of(parts).contains("")) {
      throw new OciException("not a platform: \"" + text + "\" (want os/arch or os/arch/variant)");
    }
    return of(parts[0], parts[1], List.of(parts).subList(2, parts.length));
  }

  /**
   * @param variants one or none
   */
  private static Platform of(String os, String architecture, List<String> variants) {
    String variant = variants.isEmpty() ? null : variants.getFirst();
    return switch (architecture) {
      case "x86_64", "x86-64", "amd64" -> of(os, "amd64", "v1".equals(variant) ? null : variant);
      case "aarch64", "arm64" ->
          of(os, "arm64", "v8".equals(variant) || "8".equals(variant) ? null : variant);
      case "armhf" -> of(os, "arm", "v7");
      case "armel" -> of(os, "arm", "v6");
      case "arm" -> of(os, "arm", arm(variant));
      case "i386" -> of(os, "386", variant);
      default -> of(os, architecture, variant);
    };
  }

  private static String arm(@Nullable String variant) {
    if (variant == null) {
      return "v7";
    }
    return variant.startsWith("v") ? variant : "v" + variant;
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
