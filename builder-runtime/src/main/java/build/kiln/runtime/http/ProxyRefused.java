package build.kiln.runtime.http;

import java.io.IOException;

/** A proxy did not make a tunnel. */
public final class ProxyRefused extends IOException {
  private final int status;

  ProxyRefused(String proxy, String target, int status) {
    super("the proxy " + proxy + " did not connect to " + target + ": status " + status);
    this.status = status;
  }

  /** What it answered to CONNECT; 407 if it wants credentials, or others. */
  public int status() {
    return status;
  }
}
