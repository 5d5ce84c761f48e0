package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

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

  /** The build argument that replaces the directive {@code syntax}. */
  public static final String SYNTAX = "BUILDKIT_SYNTAX";

  /** The build argument that is the host name in every RUN. */
  public static final String HOST_NAME = "BUILDKIT_SANDBOX_HOSTNAME";

  /** The build argument that keeps the caches of {@code RUN --mount=type=cache} apart. */
  public static final String CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS";

  private static final Set<String> PROXY =
      Set.of("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy");

  /**
   * Whether a build argument of this name reaches every RUN without an ARG, and stays out of cache
   * keys and history: the proxies, in any case.
   */
  public static boolean isProxy(String name) {
    return PROXY.contains(name.toLowerCase(Locale.ROOT));
  }

  /**
   * The variables of a RUN that come of build arguments for proxies: the name in capitals and in
   * small letters, whichever was given.
   */
  public static Map<String, String> proxies(Map<String, String> buildArgs) {
    var variables = new TreeMap<String, String>();
    buildArgs.forEach(
        (name, value) -> {
          if (isProxy(name)) {
            for (String form :
                List.of(name.toLowerCase(Locale.ROOT), name.toUpperCase(Locale.ROOT))) {
              variables.put(form, buildArgs.getOrDefault(form, value));
            }
          }
        });
    return variables;
  }

  private PredefinedArguments() {}
}
