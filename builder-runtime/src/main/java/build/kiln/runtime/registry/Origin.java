package build.kiln.runtime.registry;

import java.net.URI;
import java.util.Locale;

/** Scheme, host and port: what an Authorization header may be sent to. */
record Origin(String scheme, String host, int port) {
  static Origin of(URI uri) {
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return new Origin(scheme, uri.getHost().toLowerCase(Locale.ROOT), port);
  }

  String authority() {
    return host + ":" + port;
  }
}
