namespace Maha.Samples.Data.ManualPages;

/// <summary>
/// The family of projects that a package's pages come from. The packages that are left out have, alone or with
/// their like, fewer than 100 pages.
/// </summary>
public static class ProjectLabel
{
    private static readonly Dictionary<string, string> s_familyOf = new()
    {
        ["manpages"] = "linux",
        ["manpages-dev"] = "linux",
        ["freebsd-manpages"] = "freebsd",
        ["perl-doc"] = "perl",
        ["tcl8.6-doc"] = "tcl",
        ["tk8.6-doc"] = "tcl",
        ["tcllib"] = "tcl",
        ["tklib"] = "tcl",
        ["libssl-doc"] = "openssl",
        ["gnutls-doc"] = "gnutls",
        ["git-man"] = "git",
        ["postgresql-client-15"] = "postgresql",
        ["postgresql-doc-15"] = "postgresql",
        ["libx11-doc"] = "x11",
        ["libxcb-doc"] = "xcb",
        ["erlang-manpages"] = "erlang",
        ["ocaml-man"] = "ocaml",
        ["libcurl4-doc"] = "curl",
        ["liblapack-doc"] = "lapack",
        ["mpich-doc"] = "mpich",
        ["openmpi-doc"] = "openmpi",
        ["netpbm"] = "netpbm",
        ["pcp"] = "pcp",
        ["systemd"] = "systemd",
        ["ncurses-doc"] = "ncurses",
        ["nbdkit"] = "nbd",
        ["libnbd-dev"] = "nbd",
        ["libibverbs-dev"] = "rdma",
        ["librdmacm-dev"] = "rdma",
        ["libfabric-dev"] = "rdma",
        ["iproute2"] = "iproute2",
        ["lvm2"] = "storage",
        ["btrfs-progs"] = "storage",
        ["xfsprogs"] = "storage",
        ["e2fsprogs"] = "storage",
    };

    /// <summary>The family of a package, or null for a package that belongs to none.</summary>
    public static string? Of(string package) => s_familyOf.GetValueOrDefault(package);
}
