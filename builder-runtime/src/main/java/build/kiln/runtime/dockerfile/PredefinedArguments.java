package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Arguments that need no ARG to be given, or to be seen in FROM. */
public final class PredefinedArguments {
  /**
   * What a build sets before the first FROM; a stage sees one only after {@code ARG name}. A build
   * argument of the same name wins.
   */
  public static final List<String> PLATFORM =
      List.of(
          "BUILDPLATFORM",
          "BUILDOS",
          "BUILDOSVERSION",
          "BUILDARCH",
          "BUILDVARIANT",
          "TARGETPLATFORM",
          "TARGETOS",
          "TARGETOSVERSION",
          "TARGETARCH",
          "TARGETVARIANT",
          "TARGETSTAGE");

  private static final Set<String> PROXY =
      Set.of("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy");

  /**
   * Whether a build argument of this name reaches every RUN without an ARG, and stays out of cache
   * keys and history: the proxies, in any case.
   */
  public static boolean isProxy(String name) {
    return PROXY.contains(name.toLowerCase(Locale.ROOT));
  }

  private PredefinedArguments() {}
}
