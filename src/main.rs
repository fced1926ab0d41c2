fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let s = iluma_sandbox::Sandbox::builder().port(4586).start().await.unwrap_or_else(|e| {eprintln!("{e}"); std::process::exit(2)});
        println!("{}", s.url());
        tokio::signal::ctrl_c().await.unwrap();
        s.stop().await;
    });
}
