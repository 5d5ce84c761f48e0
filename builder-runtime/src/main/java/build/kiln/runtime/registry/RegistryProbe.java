package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Requester.Request;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds out by reading what a registry is and can do. */
final class RegistryProbe {
  private final Requester requester;
  private final Sites sites;
  private final Authenticator authenticator;

  RegistryProbe(Requester requester, Sites sites, Authenticator authenticator) {
    this.requester = requester;
    this.sites = sites;
    this.authenticator = authenticator;
  }

  /**
   * An answer as far as a probe looks at it.
   *
   * @param document the body if it is JSON, else a missing node
   */
  record Seen(
      int status,
      Optional<String> link,
      Optional<String> apiVersion,
      Optional<String> contentRange,
      JsonNode document) {}

  /** Of the registry itself: its API, its login, its catalog. */
  List<Capability> registry(String host) throws IOException {
    // Whose credentials count; nothing is asked of a repository of this name.
    Reference any = new Reference(host, "catalog", null, null);
    Endpoint endpoint = sites.upstream(any);
    List<Capability> all = new ArrayList<>();
    Request request = request("look for the registry API", endpoint, any, "/v2/");
    int status;
    String version = "";
    try {
      Seen base = see(request.scopes(List.of()));
      status = base.status;
      version = base.apiVersion.map(said -> ", " + said).orElse("");
    } catch (RegistryException e) {
      if (e.status() != 401) {
        throw e;
      }
      status = 401;
    }
    Site site = sites.site(endpoint);
    Optional<String> manner = authenticator.manner(site);
    boolean is = status == 200 || (status == 401 && manner.isPresent());
    String over = site.base().getScheme();
    all.add(Capability.of("api", is, "GET /v2/ is " + status + " over " + over + version));
    all.add(
        status == 200
            ? Capability.of("login", true, manner.orElse("none is asked for"))
            : Capability.of("login", false, manner.orElse("none") + ", and ours was refused"));
    if (status == 200) {
      Request catalog =
          request("look for a catalog", endpoint, any, "/v2/_catalog?n=1")
              .scopes(List.of(Scope.parse("registry:catalog:*")));
      all.add(catalog(catalog));
    }
    return all;
  }

  private Capability catalog(Request request) throws IOException {
    int status;
    try {
      status = see(request).status;
    } catch (RegistryException e) {
      if (e.code() != RegistryException.Code.UNAUTHORIZED) {
        throw e;
      }
      status = e.status();
    }
    return Capability.of("catalog", status == 200, "GET /v2/_catalog is " + status);
  }

  /** Of a repository: its tags. */
  List<Capability> repository(Reference repository) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    String name = endpoint.repository(repository).repository();
    Request request = request("list a tag", endpoint, repository, "/v2/" + name + "/tags/list?n=1");
    Seen list = see(request);
    List<Capability> all = new ArrayList<>();
    all.add(
        list.status == 404
            ? Capability.unknown("tag-list", "the repository is not there")
            : Capability.of("tag-list", list.status == 200, "GET tags/list is " + list.status));
    int count = list.document.path("tags").size();
    if (list.status != 200 || count == 0) {
      all.add(Capability.unknown("pages", "the repository has no tags to list"));
    } else if (list.link.isPresent()) {
      all.add(Capability.of("pages", true, "n=1 gives one tag and a Link to the next"));
    } else if (count > 1) {
      all.add(Capability.of("pages", false, "n=1 is passed over, " + count + " tags in one list"));
    } else {
      all.add(Capability.unknown("pages", "the repository has one tag"));
    }
    return all;
  }

  private static Request request(
      String doing, Endpoint endpoint, Reference repository, String path) {
    return Request.of(doing, endpoint, repository, "GET", path);
  }

  /** Sends it; a status is an answer, whatever it is, but for what may pass later. */
  Seen see(Request request) throws IOException {
    try {
      return requester.call(
          request.expecting(200, 201, 202, 204, 206),
          reply ->
              new Seen(
                  reply.status(),
                  reply.header("Link"),
                  reply.header("Docker-Distribution-Api-Version"),
                  reply.header("Content-Range"),
                  document(reply)));
    } catch (RegistryException e) {
      boolean wrongLogin = e.code() == RegistryException.Code.UNAUTHORIZED;
      if (e.status() == 0 || e.retryable() || wrongLogin) {
        throw e;
      }
      return new Seen(
          e.status(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          MissingNode.getInstance());
    }
  }

  private static JsonNode document(HttpReply reply) throws IOException {
    try {
      return Json.tree(reply.bytes(1 << 20), "the answer");
    } catch (OciException e) {
      return MissingNode.getInstance();
    }
  }
}
